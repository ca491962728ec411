//! `plugins/keyward-encryption-aes-gcm` as a shared library.

use keyward_encryption_aes_gcm as _;
