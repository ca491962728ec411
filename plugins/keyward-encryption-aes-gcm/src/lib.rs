//! keyward-encryption-aes-gcm
