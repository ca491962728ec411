//! `plugins/keyward-key-passphrase` as a shared library.

use keyward_key_passphrase as _;
