//! `plugins/keyward-encryption-age` as a shared library.

use keyward_encryption_age as _;
