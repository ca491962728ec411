//! A kind that a crate registers.

use keyward_kinds::{FieldSpec, Kind, Kinds};

fn deploy() -> Kind {
    Kind::new("acme.deploy", "A key that deploys to Acme")
        .with_field(FieldSpec::new("project", "The project").required())
        .with_main(
            FieldSpec::secret("key", "The key")
                .required()
                .with_pattern("acme_[0-9a-f]{40}")
                .with_environment(["ACME_DEPLOY_KEY"]),
        )
}

keyward_kinds::register!(deploy);

fn main() -> keyward_core::Result<()> {
    let kinds = Kinds::linked();
    assert!(kinds.find("acme.deploy")?.field("key", "wrong".into()).is_err());
    Ok(())
}
