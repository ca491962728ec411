//! keyward-serializer-json
