//! The scripts that the server runs.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident: $file:literal;)+) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!($file)));)+
    };
}

scripts! {
    APPLY: "lua/apply.lua";
    DESTROY: "lua/destroy.lua";
    GET_MANY: "lua/get_many.lua";
    LIST: "lua/list.lua";
    LOCK: "lua/lock.lua";
}
