//! `plugins/keyward-key-file` as a shared library.

use keyward_key_file as _;
