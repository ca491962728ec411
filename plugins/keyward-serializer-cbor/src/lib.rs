//! keyward-serializer-cbor
