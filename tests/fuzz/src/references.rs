use keyward_core::Secret;
use keyward_resolver::template::Template;
use keyward_resolver::{Reference, env_file};

/// What is read as a reference has one spelling, which names the same value.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(reference) = text.parse::<Reference>() else { return };
    let written = reference.to_string();
    assert_eq!(written.parse::<Reference>().expect("it was written"), reference);
    assert!(written.len() <= text.len() + 2);
}

/// A variable of an environment file has a valid name, and its value is a part of the file.
pub fn env_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for variable in env_file::read("fuzz", text).unwrap_or_default() {
        assert!(keyward_config::is_variable_name(&variable.name));
        assert!(variable.value.len() <= text.len() && !variable.value.contains('\0'));
    }
}

/// A template with its references in their places is the same template.
pub fn template(bytes: &[u8]) {
    let Ok(template) = Template::parse("fuzz", bytes) else { return };
    let spelled = template.references().iter().map(|reference| format!("{{{{{reference}}}}}"));
    let spelled: Vec<_> = spelled.map(Secret::from).collect();
    let filled = template.fill(&spelled).expect("there is memory");
    let again = Template::parse("fuzz", filled.expose()).expect("it was one");
    assert_eq!(again.references(), template.references());
}
