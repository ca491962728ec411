//! `plugins/keyward-serializer-postcard` as a shared library.

use keyward_serializer_postcard as _;
