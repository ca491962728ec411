//! `plugins/keyward-key-env` as a shared library.

use keyward_key_env as _;
