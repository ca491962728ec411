//! keyward-serializer-bincode
