//! `plugins/keyward-keyring` as a shared library.

use keyward_keyring as _;
