//! `plugins/keyward-storage-file` as a shared library.

use keyward_storage_file as _;
