//! `plugins/keyward-key-command` as a shared library.

use keyward_key_command as _;
