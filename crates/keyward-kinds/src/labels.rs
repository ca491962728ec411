//! The labels that Keyward itself sets. All others belong to users.

/// When the service refused the record's secret, in RFC 3339. Such a record counts as absent in
/// look-ups, until another secret replaces the one that was refused.
pub const REJECTED: &str = "keyward.rejected";

/// The name of the exchange that made a record from another one.
pub const EXCHANGE: &str = "keyward.exchange";

/// The URL at which a service gives another credential for this one. The user sets it.
pub const LOGIN: &str = "login";

/// The realm of a server for which a record is, as the server names it. The user sets it.
pub const REALM: &str = "realm";
