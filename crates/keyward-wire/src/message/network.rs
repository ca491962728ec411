//! What TLS trusts, and which proxies to use.

use keyward_core::{Network, Secret};

use crate::cbor::{Fields, Malformed, Map, Put};

/// Writes the fields.
pub fn write(fields: &mut Fields<'_>, network: &Network) {
    fields
        .put_list("root_files", &network.root_files, |out, path| path.as_str().put(out))
        .put_list("root_folders", &network.root_folders, |out, path| path.as_str().put(out))
        .put_some("https_proxy", network.https_proxy.as_ref().map(Secret::expose))
        .put_some("http_proxy", network.http_proxy.as_ref().map(Secret::expose))
        .put_some("all_proxy", network.all_proxy.as_ref().map(Secret::expose))
        .put("no_proxy", network.no_proxy.as_str());
}

/// Reads the fields.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read(fields: &Map<'_>) -> Result<Network, Malformed> {
    let texts = |name| {
        let texts: Vec<&str> = fields.find(name)?.unwrap_or_default();
        Ok(texts.into_iter().map(str::to_owned).collect())
    };
    let secret = |name| Ok(fields.find::<&[u8]>(name)?.map(Secret::from));
    let mut network = Network::default();
    (network.root_files, network.root_folders) = (texts("root_files")?, texts("root_folders")?);
    network.https_proxy = secret("https_proxy")?;
    network.http_proxy = secret("http_proxy")?;
    network.all_proxy = secret("all_proxy")?;
    network.no_proxy = fields.find::<&str>("no_proxy")?.unwrap_or_default().to_owned();
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, answer};

    #[test]
    fn everything_is_passed_without_loss() {
        let mut network = Network::default();
        network.root_files = vec!["/a.pem".into()];
        for network in [Network::default(), network.clone(), {
            network.root_folders = vec!["/b".into(), "/c".into()];
            network.https_proxy = Some("http://ann:s3cret@s".into());
            network.http_proxy = Some("http://p".into());
            network.all_proxy = Some("http://a".into());
            network.no_proxy = "x".into();
            network
        }] {
            let frame = answer(1, "network", |fields| write(fields, &network)).unwrap();
            let Ok(Message::Answer { outcome, .. }) = Message::read(&frame.expose()[4..]) else {
                panic!("it is an answer")
            };
            assert_eq!(read(&outcome.unwrap()).unwrap(), network);
        }
    }
}
