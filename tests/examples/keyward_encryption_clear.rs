//! `plugins/keyward-encryption-clear` as a shared library.

use keyward_encryption_clear as _;
