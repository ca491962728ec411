//! `plugins/keyward-storage-redb` as a shared library.

use keyward_storage_redb as _;
