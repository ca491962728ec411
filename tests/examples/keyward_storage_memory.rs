//! `plugins/keyward-storage-memory` as a shared library.

use keyward_storage_memory as _;
