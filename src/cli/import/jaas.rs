//! Reads `sasl.jaas.config`: a login module and its options.

use std::collections::BTreeMap;

/// One entry of a JAAS configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// The class without its package.
    pub(super) module: String,
    pub(super) options: BTreeMap<String, String>,
}

/// Reads `class flag key=value … ;` as Kafka's `JaasConfig` does, without comments. What comes back never quotes the text,
/// which holds a password.
pub(super) fn read(text: &str) -> Result<Login, &'static str> {
    let tokens = tokens(text)?;
    let mut tokens = tokens.iter();
    let module = match tokens.next() {
        Some(Token::Word(module)) => module.rsplit('.').next().unwrap_or_default(),
        _ => return Err("names no login module"),
    };
    match tokens.next() {
        Some(Token::Word(flag)) if is_flag(flag) => {}
        _ => return Err("has no `required` behind the login module"),
    }
    let mut options = BTreeMap::new();
    loop {
        let key = match tokens.next() {
            Some(Token::Word(key)) => key,
            Some(Token::Sign(';')) => break,
            Some(Token::Sign(_)) => return Err("has a sign where the name of an option belongs"),
            None => return Err("has no `;` at its end"),
        };
        match (tokens.next(), tokens.next()) {
            (Some(Token::Sign('=')), Some(Token::Word(value))) => {
                options.insert(key.clone(), value.clone());
            }
            _ => return Err("has an option without a value"),
        }
    }
    Ok(Login {
        module: module.to_owned(),
        options,
    })
}

fn is_flag(word: &str) -> bool {
    let flags = ["required", "requisite", "sufficient", "optional"];
    flags.iter().any(|flag| word.eq_ignore_ascii_case(flag))
}

enum Token {
    Word(String),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            blank if blank.is_whitespace() => {}
            quote @ ('"' | '\'') => tokens.push(Token::Word(quoted(&mut rest, quote)?)),
            sign @ (';' | '=') => tokens.push(Token::Sign(sign)),
            first => {
                let mut word = String::from(first);
                let is_part =
                    |next: &char| !next.is_whitespace() && !matches!(next, ';' | '=' | '"' | '\'');
                while let Some(next) = rest.next_if(is_part) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

/// What stands before the closing `quote`, with the escapes of `java.io.StreamTokenizer`, but for octal ones.
fn quoted(rest: &mut impl Iterator<Item = char>, quote: char) -> Result<String, &'static str> {
    let mut text = String::new();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => break,
            },
            end if end == quote => return Ok(text),
            other => text.push(other),
        }
    }
    Err("has a quotation mark without its counterpart")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_with_its_options() {
        let scram = "org.apache.kafka.common.security.scram.ScramLoginModule";
        for (text, user, password) in [
            (
                "required username=\"me\" password=\"a;b=c\";",
                "me",
                "a;b=c",
            ),
            ("REQUIRED username=me password=pw ;", "me", "pw"),
            (
                "required username='m e' password=\"a\\\"b\\\\c\";",
                "m e",
                "a\"b\\c",
            ),
            (
                "required\n username=\"me\"\n password=\"${env:PW}\";",
                "me",
                "${env:PW}",
            ),
            (
                "required username=\"m@example.org\" password=\"\";",
                "m@example.org",
                "",
            ),
        ] {
            let login = read(&format!("{scram} {text}")).unwrap();
            assert_eq!(login.module, "ScramLoginModule");
            assert_eq!(login.options["username"], user, "{text}");
            assert_eq!(login.options["password"], password, "{text}");
        }
    }

    #[test]
    fn what_is_no_login_is_told_without_its_text() {
        for (text, why) in [
            ("", "names no login module"),
            (
                "x.Plain username=\"a\";",
                "has no `required` behind the login module",
            ),
            ("x.Plain required username=\"a\"", "has no `;` at its end"),
            (
                "x.Plain required username;",
                "has an option without a value",
            ),
            (
                "x.Plain required = ;",
                "has a sign where the name of an option belongs",
            ),
            (
                "x.Plain required a=\"b;",
                "has a quotation mark without its counterpart",
            ),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }
}
