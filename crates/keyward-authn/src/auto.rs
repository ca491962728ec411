use std::sync::Arc;

use keyward_kinds::names;
use keyward_plugin::{
    Additions, Authenticator, Backend, Event, Host, Info, NoOptions, Record, RefusalCause,
    RequestHead, ResponseHead, Result, State, Step,
};

use crate::basic::Basic;
use crate::bearer::Bearer;
use crate::challenge::{challenges, wants};
use crate::credential::needed;
use crate::digest::{self, Digest};
use crate::pages::accepted_unless_401;

/// Does what the server asks for, with what the record has.
///
/// It sends the first request without a credential, because only the answer says what the server
/// wants.
#[derive(Clone, Copy, Debug)]
pub struct Auto;

impl Backend for Auto {
    const INFO: Info = Info::new("auto", "What the server asks for");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Authenticator for Auto {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        match event {
            // Where Digest was used, the password itself is not sent any more.
            _ if is_user_password(record) && digest::was_used(state) => {
                Digest::default().step(request, record, event, state)
            }
            Event::Start => Ok(Step::Send(Additions::default())),
            Event::Challenged(answer) => {
                let Some(kind) = record.map(|record| record.kind.as_str()) else {
                    return Ok(needed());
                };
                if is_negotiate_only(answer) {
                    let why = "the server asks for Negotiate (Kerberos or NTLM), which Keyward does not do";
                    return Ok(Step::refuse(RefusalCause::OtherScheme, why));
                }
                let chosen: &dyn Authenticator = match kind {
                    names::USER_PASSWORD if digest::is_offered(answer) => &Digest::default(),
                    names::USER_PASSWORD if wants(answer, "basic") => &Basic::default(),
                    _ if kind != names::USER_PASSWORD && wants(answer, "bearer") => {
                        &Bearer::default()
                    }
                    _ => {
                        let why = format!(
                            "a credential of the kind `{kind}` does not fit what the server asks \
                             for: {}",
                            challenges(answer)
                        );
                        return Ok(Step::refuse(RefusalCause::OtherScheme, why));
                    }
                };
                chosen.step(request, record, event, state)
            }
            Event::Answered(answer) => Ok(accepted_unless_401(answer)),
            _ => Ok(Step::Accept),
        }
    }
}

fn is_user_password(record: Option<&Record>) -> bool {
    record.is_some_and(|record| record.kind == names::USER_PASSWORD)
}

fn is_negotiate_only(answer: &ResponseHead) -> bool {
    let offered = challenges(answer).0;
    let is_negotiate = |scheme: &str| matches!(scheme, "negotiate" | "ntlm");
    !offered.is_empty() && offered.iter().all(|challenge| is_negotiate(&challenge.scheme))
}
