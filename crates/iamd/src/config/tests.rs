//! Tests of the settings.

use super::*;

fn flag(key: &str, value: &str) -> Flag {
    Flag { option: format!("--set {key}"), key: key.to_owned(), value: value.to_owned() }
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iamd.toml");
    std::fs::write(&path, text).unwrap();
    let said = Said { file: Some(path), flags: Vec::new() };
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let prefix = format!("{}/", folder.path().display());
    let shown = |problem: &Problem| problem.to_string().replace(&prefix, "");
    load(&said, variables).map_err(|problems| problems.iter().map(shown).collect())
}

#[test]
fn the_printed_defaults_load_back_to_the_defaults() {
    let loaded = with_file(&defaults(), &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.origins.len(), Key::all().len(), "every key is printed");
}

#[test]
fn every_key_can_be_set_by_its_variable_and_nothing_else_changes() {
    let others = |key: &Key| match key.path().as_str() {
        "data" | "log.filter" | "traces.endpoint" => "other".to_owned(),
        "master_key" => "file:./iamd-data/master.key".to_owned(),
        "server.listen" => "127.0.0.2:1".to_owned(),
        "server.proxies" | "metrics.readers" => "10.0.0.0/8, ::1".to_owned(),
        "tls.enabled" | "audit.enabled" => "false".to_owned(),
        "audit.when_full" => "count".to_owned(),
        "audit.file_bytes_max" => "65537".to_owned(),
        "tls.hostnames" => "a.example,b.example".to_owned(),
        "tls.certificate" | "tls.key" => "a.pem".to_owned(),
        "log.format" => "json".to_owned(),
        "gateway.listen" => "127.0.0.1:1".to_owned(),
        "gateway.domains" => "s3.example".to_owned(),
        "body.bytes_max" => "65537".to_owned(),
        "body.memory_bytes_max" => "1000000000".to_owned(),
        _ => "8193".to_owned(),
    };
    for key in Key::all() {
        let mut config = Config::default();
        let value = match key.range {
            Some((_, most)) if most < 8_193 => most.to_string(),
            _ => others(&key),
        };
        key.set(&mut config, &Value::Word(value.clone())).unwrap();
        assert_ne!(config, Config::default(), "{}", key.path());
        let mut draft = Draft::default();
        draft.read_environment([(key.variable(), value)].into_iter());
        assert_eq!(draft.problems, [], "{}", key.variable());
        assert_eq!(draft.config, config, "{}", key.variable());
        // The other keys print what they print by default.
        let changed = Key::all()
            .into_iter()
            .filter(|other| other.toml(&mut config.clone()) != other.toml(&mut Config::default()));
        assert_eq!(changed.map(|key| key.path()).collect::<Vec<_>>(), [key.path()]);
    }
}

#[test]
fn variables_are_unique_and_no_key_is_hidden_by_another() {
    let mut variables: Vec<String> = Key::all().iter().map(Key::variable).collect();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), Key::all().len());
    for variable in variables {
        assert!(variable.starts_with("IAMD_"), "{variable}");
    }
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iamd.toml");
    std::fs::write(
        &path,
        "[server]\nidle_seconds_max = 1\nhead_seconds_max = 2\nstop_seconds_max = 3",
    )
    .unwrap();
    let said = Said { file: Some(path), flags: vec![flag("server.idle_seconds_max", "9")] };
    let variables = [("IAMD_SERVER_IDLE_SECONDS_MAX", "8"), ("IAMD_SERVER_HEAD_SECONDS_MAX", "7")];
    let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
    let server = load(&said, variables).unwrap().config.server;
    assert_eq!(
        (server.idle_seconds_max, server.head_seconds_max, server.stop_seconds_max),
        (9, 7, 3)
    );
    assert_eq!(server.write_seconds_max, Config::default().server.write_seconds_max);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_nearest_right_name() {
    let cases = [
        (
            "[server]\nlisen = \"127.0.0.1:1\"",
            "iamd.toml:2: there is no key `server.lisen`; did you mean `server.listen`?",
        ),
        (
            "\nlisten = \"127.0.0.1:1\"",
            "iamd.toml:2: there is no key `listen`; did you mean `server.listen`?",
        ),
        (
            "[quux]\nzzzz = 1",
            "iamd.toml:2: there is no key `quux.zzzz`; `iamd config print-defaults` shows all that there are",
        ),
        (
            "[server]\n\nlisten = 4260",
            "iamd.toml:3: `server.listen` must be an address with a port, and this is an integer",
        ),
        (
            "server.listen = \"localhost\"",
            "iamd.toml:1: `server.listen` is an address with a port, such as `127.0.0.1:4260` or `[::]:4260`, and not `localhost`",
        ),
        (
            "[body]\nbytes_max = 16777217",
            "iamd.toml:2: `body.bytes_max` is from 65536 to 16777216, and not 16777217",
        ),
        (
            "[body]\nbytes_max = -1",
            "iamd.toml:2: `body.bytes_max` must be a whole number, not below 0",
        ),
        (
            "[body]\nbytes_max = \"1\"",
            "iamd.toml:2: `body.bytes_max` must be a whole number, and this is a string",
        ),
        (
            "[tls]\nenabled = \"true\"",
            "iamd.toml:2: `tls.enabled` is true or false, and this is a string",
        ),
        (
            "[server]\nproxies = [\"10.0.0.0/33\"]",
            "iamd.toml:2: `server.proxies` has addresses and ranges, such as `10.0.0.0/8`, and `10.0.0.0/33` is neither",
        ),
        (
            "[server]\nproxies = [1]",
            "iamd.toml:2: `server.proxies` must be an array of strings, and this is an array of other things",
        ),
        ("[log]\nformat = \"xml\"", "iamd.toml:2: `log.format` is `text` or `json`, and not `xml`"),
        (
            "[tls]\ncertificate = \"a.pem\"",
            "iamd.toml:2: `tls.certificate` needs its key in `tls.key`",
        ),
        (
            "[tls]\nhostnames = [\"a b\"]",
            "iamd.toml:2: `tls.hostnames` has host names and addresses, and not `a b`",
        ),
        ("data = \"a\"\ndata = \"b\"", "iamd.toml:2: duplicate key"),
        ("[server", "iamd.toml:1: unclosed table, expected `]`"),
    ];
    for (text, message) in cases {
        let Err(problems) = with_file(text, &[]) else { panic!("{text} was taken") };
        assert_eq!(problems, [message], "{text}");
    }
}

#[test]
fn wrong_variables_are_named_and_all_problems_are_told_at_once() {
    let Err(problems) = with_file(
        "[server]\nlisen = 1\n[log]\nformat = 3",
        &[("IAMD_TLS_ENABLED", "yes"), ("IAMD_BODY_BYTES_MAX", "many")],
    ) else {
        panic!("taken")
    };
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems
            .contains(&"IAMD_TLS_ENABLED: `tls.enabled` is true or false, and not `yes`".into())
    );
}

#[test]
fn foreign_variables_are_warned_of_only_where_a_section_has_their_name() {
    let variables =
        [("IAMD_SERVER_LISTN", "x"), ("IAMD_PORT", "tcp://10.0.0.1:4260"), ("PATH", "/bin")];
    let loaded = with_file("", &variables).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["IAMD_SERVER_LISTN: no key has this variable; did you mean `IAMD_SERVER_LISTEN`?"]
    );
}

#[test]
fn plain_http_needs_loopback_or_named_proxies() {
    let plain = "[tls]\nenabled = false\n";
    let refused = with_file(&format!("{plain}[server]\nlisten = \"0.0.0.0:80\""), &[]);
    let Err(problems) = refused else { panic!("taken") };
    assert!(problems[0].starts_with("iamd.toml:2: `tls.enabled` is false"), "{problems:?}");
    assert!(with_file(plain, &[]).is_ok());
    let proxied = "[server]\nlisten = \"0.0.0.0:80\"\nproxies = [\"10.0.0.1\"]";
    assert!(with_file(&format!("{plain}{proxied}"), &[]).is_ok());
    assert!(with_file("[server]\nlisten = \"0.0.0.0:80\"", &[]).is_ok());
}

#[test]
fn the_external_url_names_a_server() {
    let load = |url: &str| with_file(&format!("external_url = '{url}'"), &[]);
    for fine in ["", "https://iam.example.com", "http://[::1]:4260", "https://iam.example/iam/"] {
        assert!(load(fine).is_ok(), "{fine}");
    }
    for wrong in [
        "iam.example.com",
        "https://",
        "https:///a",
        "ftp://iam.example.com",
        "https://iam.example.com/?a=b",
        "https://iam.example.com/#a",
        "https://user@iam.example.com",
        "https://iam example.com",
    ] {
        let Err(problems) = load(wrong) else { panic!("taken: {wrong}") };
        assert!(problems[0].contains("`external_url` is an address such as"), "{problems:?}");
    }
}

#[test]
fn the_value_of_master_key_is_never_repeated() {
    let secret = "0123456789abcdef";
    let Err(problems) = with_file(&format!("master_key = \"{secret}\""), &[]) else {
        panic!("taken")
    };
    assert!(problems[0].contains("`master_key` can only be"), "{problems:?}");
    let Err(broken) = with_file(&format!("master_key = \"{secret}"), &[]) else { panic!("taken") };
    assert!(!format!("{problems:?}{broken:?}").contains(secret));
    assert!(with_file("master_key = \"file:./iamd-data/master.key\"", &[]).is_ok());
    assert!(with_file("master_key = \"env:IAMD_KEY\"", &[]).is_ok());
}

/// The table of the documentation, line by line.
fn documented() -> String {
    let mut config = Config::default();
    let line = |key: &Key| {
        format!("| `{}` | `{}` | `{}` |\n", key.path(), key.variable(), key.toml(&mut config))
    };
    Key::all().iter().map(line).collect()
}

#[test]
fn the_documentation_has_every_key_with_its_variable_and_default() {
    let text = include_str!("../../../../docs/operations.md");
    let table = documented();
    assert!(text.contains(&table), "docs/operations.md must have this table:\n{table}");
}
