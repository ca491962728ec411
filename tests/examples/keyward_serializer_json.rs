//! `plugins/keyward-serializer-json` as a shared library.

use keyward_serializer_json as _;
