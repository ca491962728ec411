//! The backends that a default build of Keyward links.
//!
//! A linked backend is found only if the program refers to its crate. This list refers to all of
//! them, and a program refers to this crate once: `use keyward_defaults as _;`. No other crate of
//! Keyward names concrete backends.

use keyward_authn as _;
use keyward_checker_allow as _;
use keyward_checker_anonymous as _;
use keyward_checker_command as _;
use keyward_checker_deny as _;
use keyward_checker_file as _;
use keyward_checker_htdigest as _;
use keyward_checker_htpasswd as _;
use keyward_checker_ical as _;
use keyward_checker_ip as _;
use keyward_checker_memory as _;
use keyward_checker_oauth as _;
use keyward_checker_sshkey as _;
use keyward_checker_store as _;
use keyward_checker_totp as _;
use keyward_checker_unix as _;
use keyward_encryption_aes_gcm as _;
use keyward_encryption_age as _;
use keyward_encryption_clear as _;
use keyward_key_command as _;
use keyward_key_env as _;
use keyward_key_file as _;
use keyward_key_passphrase as _;
use keyward_keyring as _;
use keyward_serializer_bincode as _;
use keyward_serializer_cbor as _;
use keyward_serializer_json as _;
use keyward_serializer_postcard as _;
use keyward_storage_file as _;
use keyward_storage_memory as _;
use keyward_storage_redb as _;
use keyward_storage_sqlite as _;
