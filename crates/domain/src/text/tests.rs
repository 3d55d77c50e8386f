use super::*;

#[test]
fn descriptions_keep_what_they_are_given() {
    for text in ["x", "  build agents  ", "Maschinenraum Süd – 日本語 👩‍💻", "a\u{301}"] {
        assert_eq!(Description::parse(text).expect("a description").as_str(), text);
    }
    assert!(Description::parse(&"ä".repeat(1_000)).is_ok(), "characters are counted, not bytes");
}

#[test]
fn descriptions_refuse_what_hides() {
    for text in ["", " ", "\u{3000}\u{A0}"] {
        assert_eq!(Description::parse(text), Err(BadText::Empty), "{text:?}");
    }
    assert_eq!(Description::parse(&"a".repeat(1_001)), Err(BadText::TooLong { count: 1_001, limit: 1_000 }));
    assert!(matches!(Description::parse(&"a".repeat(10_000)), Err(BadText::TooLong { .. })));
    let hidden: Vec<char> = "\0\u{1}\t\n\r\u{7F}\u{85}\u{200B}\u{2028}\u{2029}\u{2060}\u{FEFF}"
        .chars()
        .chain('\u{202A}'..='\u{202E}')
        .chain('\u{2066}'..='\u{2069}')
        .collect();
    for c in hidden {
        let said = Description::parse(&format!("éab{c}d")).expect_err("hidden").to_string();
        assert!(said.contains(&format!("(U+{:04X}) as character 4; remove it", u32::from(c))), "{said}");
    }
    let said = Reason::parse("a\u{202E}b").expect_err("hidden").to_string();
    assert_eq!(said, "holds a character that turns the writing direction (U+202E) as character 2; remove it");
}

#[test]
fn slugs() {
    for text in ["acme", "a", "a-1", "0", &"a".repeat(64)] {
        assert_eq!(Slug::parse(text).expect("a slug").as_str(), text);
    }
    for text in ["", "Acme", "-a", "a-", "a b", "a.b", "ä", "a\n", &"a".repeat(65)] {
        assert!(Slug::parse(text).is_err(), "{text:?}");
    }
    let said = Slug::parse("Acme").expect_err("upper case").to_string();
    assert_eq!(said, "holds 'A' as character 1; use lower-case letters, digits and '-'");
}

#[test]
fn addresses_compare_in_lower_case() {
    assert_eq!(Email::parse("Ada@Example.COM"), Email::parse("ada@example.com"));
    for text in ["a@b", "ada+ci@x.example.com", "o'hara@example.com", "a.b@c-d.e"] {
        assert!(Email::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "ada",
        "@x",
        "ada@",
        "a@b@c",
        "a b@c",
        "ada@x..y",
        ".a@b",
        "a.@b",
        "a@-b",
        "a@b-",
        "a@b_c",
        "<a@b>",
        "a@b,c@d",
        "ada@exämple.com",
        "a@b\n",
        "a@b\u{202E}",
        "robot@service-users.invalid",
        "robot@Service-Users.INVALID",
        &format!("{}@b", "a".repeat(65)),
        &format!("a@{}", "b".repeat(253)),
    ] {
        assert!(Email::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn names_of_code_locations() {
    for text in ["sales", "Sales team (EU)", &"ä".repeat(255)] {
        assert_eq!(CodeLocationName::parse(text).expect("a name").as_str(), text);
    }
    for text in ["", " ", "a\nb", "a\u{202E}b", &"a".repeat(256)] {
        assert!(CodeLocationName::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn names_of_queues_and_deployments() {
    assert_eq!(QueueName::default().as_str(), "default");
    for text in ["linux", "Linux-x86_64.large", "0", &"a".repeat(100)] {
        assert!(QueueName::parse(text).is_ok() && DeploymentName::parse(text).is_ok(), "{text}");
    }
    for text in ["", " ", "a ", " a", "a/b", "ä", "*", "a\0", "a\tb", &"a".repeat(101)] {
        assert!(QueueName::parse(text).is_err() && DeploymentName::parse(text).is_err(), "{text:?}");
    }
    assert!(QueueName::parse("Open Source").is_err() && DeploymentName::parse("Open Source").is_ok());
    for text in [".", ".."] {
        assert!(DeploymentName::parse(text).is_err() && TeamName::parse(text).is_err(), "{text:?}");
    }
    assert!(DeploymentName::parse("...").is_ok() && QueueName::parse(".").is_ok());
}

#[test]
fn names_of_people_and_of_service_users() {
    for text in ["Ada", "Ada Lovelace", "日本語 👩‍💻", &"ä".repeat(100)] {
        assert_eq!(PersonName::parse(text).expect("a name").as_str(), text);
    }
    for text in ["", " ", "a\nb", "a\u{202E}b", &"a".repeat(101)] {
        assert!(PersonName::parse(text).is_err() && ServiceUserName::parse(text).is_err(), "{text:?}");
    }
    assert!(ServiceUserName::parse("ci-deployer_2.x").is_ok());
    for text in ["a b", "a@b", "ä", "a/b", ".", ".."] {
        assert!(ServiceUserName::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_name_with_somebody_elses_address_is_found_out() {
    for text in [
        "ada@example.com",
        "Ada@Example.com",
        "Ada <ada@example.com>",
        "(ada@example.com) admin",
        "eve ada@example.com",
    ] {
        assert!(names_another_address(text, "eve@example.com"), "{text}");
        assert!(!names_another_address(text, "ada@example.com"), "{text}");
    }
    for text in ["Ada", "Ada Lovelace", "@ada", "ada@", "Ada @ work"] {
        assert!(!names_another_address(text, "eve@example.com"), "{text}");
    }
}

#[test]
fn colours_and_signs() {
    for text in ["#0B79CE", "#abcdef"] {
        assert!(Color::parse(text).is_ok(), "{text}");
    }
    for text in ["", "red", "#12345", "#1234567", "#12345g", "0B79CEA"] {
        assert!(Color::parse(text).is_err(), "{text:?}");
    }
    for text in [":rocket:", "🚀"] {
        assert!(Emoji::parse(text).is_ok(), "{text}");
    }
    assert!(Emoji::parse(&"x".repeat(65)).is_err() && Emoji::parse("a\nb").is_err());
}

#[test]
fn errors_read_on_from_the_name_of_the_field() {
    let error = FieldError::new("description", Description::parse("").expect_err("empty"));
    assert_eq!(error.to_string(), "description is empty; write at least one character that can be seen");
}

#[test]
fn json_is_checked_too() {
    assert!(serde_json::from_str::<Slug>("\"acme\"").is_ok());
    assert!(serde_json::from_str::<Slug>("\"Acme\"").is_err());
}
