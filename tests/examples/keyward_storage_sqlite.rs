//! `plugins/keyward-storage-sqlite` as a shared library.

use keyward_storage_sqlite as _;
