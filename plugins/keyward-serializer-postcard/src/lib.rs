//! keyward-serializer-postcard
