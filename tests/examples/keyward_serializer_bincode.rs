//! `plugins/keyward-serializer-bincode` as a shared library.

use keyward_serializer_bincode as _;
