//! Holds every setting of the file and what becomes of it, so that none is dropped without a word.

use std::cell::RefCell;
use std::collections::HashMap;

use super::properties::Entry;

/// What becomes of a setting; where several mirrors use it, the last of these counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Neither MirrorMaker 2's nor kmirror's.
    Unknown,
    /// Without counterpart, and why.
    Left(String),
    /// What kmirror does anyway.
    Default,
    /// Stands in the configuration.
    Carried,
}

impl Fate {
    fn rank(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Left(_) => 1,
            Self::Default => 2,
            Self::Carried => 3,
        }
    }
}

/// Every setting of one file, by its name in a dedicated file.
pub(super) struct Settings {
    file: String,
    entries: Vec<Entry>,
    names: HashMap<String, usize>,
    fates: RefCell<Vec<Option<Fate>>>,
    problems: RefCell<Vec<String>>,
}

impl Settings {
    /// The settings of `file`, where `name` gives the name that a key has in a dedicated file. Of several with one name the
    /// last counts, as in Java.
    pub(super) fn new(file: &str, entries: Vec<Entry>, name: impl Fn(&str) -> String) -> Self {
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut fates = vec![None; entries.len()];
        for (index, entry) in entries.iter().enumerate() {
            if let Some(earlier) = names.insert(name(&entry.key), index) {
                let why = format!("written again on line {}, which counts", entry.line);
                fates[earlier] = Some(Fate::Left(why));
            }
        }
        Self {
            file: file.to_owned(),
            entries,
            names,
            fates: RefCell::new(fates),
            problems: RefCell::default(),
        }
    }

    /// The first of `names` that is set. Those behind it that say the same share its fate; the others have none of their own.
    pub(super) fn first<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> Option<Setting<'_>> {
        let index = |name: N| self.names.get(name.as_ref()).copied();
        let mut present = names.into_iter().filter_map(index);
        let first = present.next()?;
        let value = |index: usize| self.entries[index].value.trim();
        let (same, others): (Vec<_>, Vec<_>) = present
            .filter(|index| *index != first)
            .partition(|index| value(*index) == value(first));
        let place = place(&self.entries[first]);
        for other in others {
            self.mark(other, Fate::Left(format!("{place} goes before it")));
        }
        Some(Setting {
            settings: self,
            index: first,
            same,
        })
    }

    /// Notes a problem that has no line of its own.
    pub(super) fn problem(&self, what: impl AsRef<str>) {
        let line = format!("{}: {}", self.file, what.as_ref());
        let mut problems = self.problems.borrow_mut();
        // A setting at the top is read once for each mirror.
        if !problems.contains(&line) {
            problems.push(line);
        }
    }

    /// The problems, one line each.
    pub(super) fn problems(&self) -> Vec<String> {
        self.problems.borrow().clone()
    }

    /// The name of every setting that nothing became of yet.
    pub(super) fn open(&self) -> Vec<(String, usize)> {
        let fates = self.fates.borrow();
        let names = self.names.iter();
        let open = names.filter(|(_, index)| fates[**index].is_none());
        open.map(|(name, index)| (name.clone(), *index)).collect()
    }

    /// The setting at `index`.
    pub(super) fn at(&self, index: usize) -> Setting<'_> {
        Setting {
            settings: self,
            index,
            same: Vec::new(),
        }
    }

    /// Every setting in the order of the file, with its fate.
    pub(super) fn fates(&self) -> Vec<(&Entry, Fate)> {
        let fates = self.fates.borrow();
        let fate = |fate: &Option<Fate>| fate.clone().unwrap_or(Fate::Unknown);
        self.entries.iter().zip(fates.iter().map(fate)).collect()
    }

    fn mark(&self, index: usize, fate: Fate) {
        let slot = &mut self.fates.borrow_mut()[index];
        if slot.as_ref().is_none_or(|old| old.rank() < fate.rank()) {
            *slot = Some(fate);
        }
    }
}

/// One setting, and others that say the same.
#[derive(Clone)]
pub(super) struct Setting<'s> {
    settings: &'s Settings,
    index: usize,
    same: Vec<usize>,
}

impl<'s> Setting<'s> {
    /// The key as it is written in the file.
    pub(super) fn key(&self) -> &'s str {
        &self.settings.entries[self.index].key
    }

    /// The value without white space around it, as Kafka reads it.
    pub(super) fn value(&self) -> &'s str {
        self.settings.entries[self.index].value.trim()
    }

    /// The key and its line.
    pub(super) fn place(&self) -> String {
        place(&self.settings.entries[self.index])
    }

    /// It stands in the configuration now.
    pub(super) fn carried(&self) {
        self.mark(&Fate::Carried);
    }

    /// It says what kmirror does anyway.
    pub(super) fn default(&self) {
        self.mark(&Fate::Default);
    }

    /// It is carried over, unless kmirror does anyway what it says.
    pub(super) fn settled(&self, is_default: bool) {
        match is_default {
            true => self.default(),
            false => self.carried(),
        }
    }

    /// It has no counterpart.
    pub(super) fn left(&self, why: impl Into<String>) {
        self.mark(&Fate::Left(why.into()));
    }

    /// Nobody knows it.
    pub(super) fn unknown(&self) {
        self.mark(&Fate::Unknown);
    }

    /// Its value is wrong: completes "file:line: key: …". The value itself may be a secret.
    pub(super) fn wrong(&self, what: impl AsRef<str>, remedy: impl AsRef<str>) {
        let Entry { key, line, .. } = &self.settings.entries[self.index];
        let key = shown(key);
        let (what, remedy) = (what.as_ref(), remedy.as_ref());
        let line = format!("{}:{line}: {key}: {what}; {remedy}", self.settings.file);
        let mut problems = self.settings.problems.borrow_mut();
        if !problems.contains(&line) {
            problems.push(line);
        }
        drop(problems);
        self.mark(&Fate::Left("its value is wrong".to_owned()));
    }

    fn mark(&self, fate: &Fate) {
        for index in std::iter::once(&self.index).chain(&self.same) {
            self.settings.mark(*index, fate.clone());
        }
    }
}

/// Text of the file as one line: control characters, which would end a comment or a message, are escaped.
pub(super) fn shown(text: &str) -> String {
    let is_break = |character: char| {
        character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match is_break(character) {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

fn place(entry: &Entry) -> String {
    format!("`{}` (line {})", shown(&entry.key), entry.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(lines: &[(&str, &str)]) -> Settings {
        let entry = |((key, value), line): (&(&str, &str), usize)| Entry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            line,
        };
        let entries = lines.iter().zip(1..).map(entry).collect();
        Settings::new("mm2.properties", entries, str::to_owned)
    }

    fn fates(settings: &Settings) -> Vec<Fate> {
        let fates = settings.fates().into_iter();
        fates.map(|(_, fate)| fate).collect()
    }

    #[test]
    fn the_first_name_counts_and_the_others_are_accounted_for() {
        let settings = settings(&[("a", "1"), ("b", "2"), ("c", " 1"), ("d", "3")]);
        let found = settings.first(["x", "a", "b", "c", "a"]).unwrap();
        assert_eq!(found.value(), "1");
        found.carried();
        let left = Fate::Left("`a` (line 1) goes before it".into());
        assert_eq!(
            fates(&settings),
            [Fate::Carried, left, Fate::Carried, Fate::Unknown]
        );
    }

    #[test]
    fn what_one_mirror_uses_is_used() {
        let settings = settings(&[("topics", "a"), ("A->B.topics", "b")]);
        settings.first(["A->B.topics", "topics"]).unwrap().carried();
        settings.first(["C->D.topics", "topics"]).unwrap().carried();
        assert_eq!(fates(&settings), [Fate::Carried, Fate::Carried]);
    }

    #[test]
    fn of_two_lines_with_one_key_the_last_counts() {
        let settings = settings(&[("a", "1"), ("a", "2")]);
        let found = settings.first(["a"]).unwrap();
        assert_eq!(found.value(), "2");
        found.default();
        let left = Fate::Left("written again on line 2, which counts".into());
        assert_eq!(fates(&settings), [left, Fate::Default]);
    }

    #[test]
    fn a_problem_is_told_once_with_its_line() {
        let settings = settings(&[("a", "1")]);
        for _ in 0..2 {
            let found = settings.first(["a"]).unwrap();
            found.wrong("is bad", "mend it");
        }
        assert_eq!(
            settings.problems(),
            ["mm2.properties:1: a: is bad; mend it"]
        );
    }
}
