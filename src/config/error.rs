//! Collects every problem of a file, each with its place and its remedy.

use std::cell::RefCell;
use std::fmt;

/// One thing that is wrong, where it stands, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: String,
    what: String,
    remedy: String,
}

impl Problem {
    /// A problem at `path`. Control characters are escaped, so that it prints as one line.
    pub(super) fn new(path: &str, what: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self {
            path: one_line(path),
            what: one_line(what.as_ref()),
            remedy: one_line(remedy.as_ref()),
        }
    }

    /// The key, such as `mirrors[0].topics[1]`; the line and column of a syntax error; or the name of a file
    /// that cannot be read.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.remedy)
    }
}

/// Every problem of one file, in the order of the keys. Prints one line for each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Errors(Vec<Problem>);

impl Errors {
    /// The problems; at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for Errors {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// Takes up problems while the file is read, so that reading goes on behind the first.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, path: &str, what: impl AsRef<str>, remedy: impl AsRef<str>) {
        self.0.borrow_mut().push(Problem::new(path, what, remedy));
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// The value, when nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Errors> {
        let problems = self.0.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(Errors(problems)),
        }
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::new("a\nb", "is\r\nbad", "write\tmore");
        assert_eq!(problem.to_string(), r"a\nb: is\r\nbad; write\tmore");
    }

    #[test]
    fn errors_print_one_line_for_each_problem() {
        let problems = Problems::default();
        problems.add("a", "is bad", "remove it");
        problems.add("b", "is worse", "mend it");
        let errors = problems.finish(Some(())).unwrap_err();
        assert_eq!(
            errors.to_string(),
            "a: is bad; remove it\nb: is worse; mend it"
        );
        assert_eq!(errors.problems().len(), 2);
    }
}
