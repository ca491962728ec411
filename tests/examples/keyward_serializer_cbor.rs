//! `plugins/keyward-serializer-cbor` as a shared library.

use keyward_serializer_cbor as _;
