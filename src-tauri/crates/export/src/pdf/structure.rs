//! What the content of the pages is, for readers that do not look at them: headings, paragraphs,
//! tables and figures in reading order (ISO 32000-1, 14.7 and 14.8).

use crate::ExportError;
use crate::pdf::text_string;
use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};
use printpdf::{DictItem, Op};
use std::collections::BTreeMap;

/// The standard structure types (ISO 32000-1, 14.8.4) that a report has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    H1,
    H2,
    P,
    Table,
    TR,
    TH,
    TD,
    Figure,
    Caption,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::H1 => "H1",
            Role::H2 => "H2",
            Role::P => "P",
            Role::Table => "Table",
            Role::TR => "TR",
            Role::TH => "TH",
            Role::TD => "TD",
            Role::Figure => "Figure",
            Role::Caption => "Caption",
        }
    }
}

/// Content that is no part of the report's text (ISO 32000-1, 14.8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artifact {
    /// Rules and backgrounds.
    Layout,
    Header,
    Footer,
    Watermark,
}

/// What the next content of a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Content { role: Role, id: i64 },
    Artifact(Artifact),
}

impl Mark {
    /// The operator that begins content of this kind.
    pub fn begin(self) -> Op {
        let name = |text: &str| DictItem::Name(text.as_bytes().to_vec());
        let (tag, properties) = match self {
            Mark::Content { role, id } => (role.name(), vec![("MCID", DictItem::Int(id))]),
            Mark::Artifact(Artifact::Layout) => ("Artifact", vec![("Type", name("Layout"))]),
            Mark::Artifact(kind) => {
                let subtype = match kind {
                    Artifact::Footer => "Footer",
                    Artifact::Watermark => "Watermark",
                    _ => "Header",
                };
                ("Artifact", vec![("Type", name("Pagination")), ("Subtype", name(subtype))])
            }
        };
        let map: BTreeMap<String, DictItem> = properties.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        Op::BeginMarkedContentWithProperties { tag: tag.to_owned(), properties: DictItem::Dict { map } }
    }
}

/// The tree of a document that is being composed.
#[derive(Debug, Default)]
pub(super) struct Structure {
    elements: Vec<Element>,
    /// From the outermost element inwards.
    open: Vec<usize>,
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Element {
    role: Role,
    parent: Option<usize>,
    /// What stands in for a figure.
    alternative: String,
    kids: Vec<Kid>,
}

#[derive(Debug)]
enum Kid {
    Element(usize),
    Content { page: usize, id: i64 },
}

/// The elements that own the marked content of one page, by its numbers.
#[derive(Debug, Default)]
struct Page {
    owners: Vec<usize>,
    /// True while content of the last owner is being added.
    running: bool,
}

impl Structure {
    /// Begins an element inside the one that is open.
    pub fn open(&mut self, role: Role) {
        self.open_with(role, "");
    }

    /// As [`Structure::open`], with the words that stand in for a figure.
    pub fn open_with(&mut self, role: Role, alternative: &str) {
        let parent = self.open.last().copied();
        let new = self.elements.len();
        self.elements.push(Element { role, parent, alternative: alternative.to_owned(), kids: Vec::new() });
        if let Some(parent) = parent {
            self.elements[parent].kids.push(Kid::Element(new));
        }
        self.open.push(new);
    }

    pub fn close(&mut self) {
        self.open.pop();
    }

    /// What content that is put on `page` now belongs to: the open element.
    pub fn mark(&mut self, page: usize) -> Mark {
        let Some(&element) = self.open.last() else { return self.aside(page, Artifact::Layout) };
        let at = self.page(page);
        if !(at.running && at.owners.last() == Some(&element)) {
            at.owners.push(element);
            at.running = true;
            let id = at.owners.len() as i64 - 1;
            self.elements[element].kids.push(Kid::Content { page, id });
        }
        let id = self.page(page).owners.len() as i64 - 1;
        Mark::Content { role: self.elements[element].role, id }
    }

    /// As [`Structure::mark`], for what is no part of the text.
    pub fn aside(&mut self, page: usize, kind: Artifact) -> Mark {
        self.page(page).running = false;
        Mark::Artifact(kind)
    }

    fn page(&mut self, page: usize) -> &mut Page {
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, Page::default);
        }
        &mut self.pages[page]
    }

    /// Adds the tree to the file and says in the catalogue that it is tagged.
    pub fn write(&self, file: &mut Document) -> Result<(), ExportError> {
        let pages: Vec<ObjectId> = file.get_pages().into_values().collect();
        let wrong = || ExportError::Write("the structure names a page that is not there".into());
        let root = file.new_object_id();
        let document = file.new_object_id();
        let ids: Vec<ObjectId> = self.elements.iter().map(|_| file.new_object_id()).collect();
        for (element, id) in self.elements.iter().zip(&ids) {
            let mut kids = Vec::new();
            for kid in &element.kids {
                kids.push(match kid {
                    Kid::Element(kid) => Object::Reference(ids[*kid]),
                    Kid::Content { page, id } => Object::Dictionary(dictionary! {
                        "Type" => "MCR",
                        "Pg" => Object::Reference(*pages.get(*page).ok_or_else(wrong)?),
                        "MCID" => *id,
                    }),
                });
            }
            let mut entry = dictionary! {
                "Type" => "StructElem",
                "S" => element.role.name(),
                "P" => Object::Reference(element.parent.map_or(document, |parent| ids[parent])),
                "K" => kids,
            };
            if !element.alternative.is_empty() {
                entry.set("Alt", text_string(&element.alternative));
            }
            if element.role == Role::TH {
                entry.set("A", self.scope(element));
            }
            file.objects.insert(*id, Object::Dictionary(entry));
        }
        let tops = self.elements.iter().zip(&ids).filter(|(e, _)| e.parent.is_none());
        let tops: Vec<Object> = tops.map(|(_, id)| Object::Reference(*id)).collect();
        let entry = dictionary! {
            "Type" => "StructElem", "S" => "Document", "P" => Object::Reference(root), "K" => tops,
            "Lang" => Object::string_literal("en"),
        };
        file.objects.insert(document, Object::Dictionary(entry));
        let mut numbers = Vec::new();
        for (number, page) in self.pages.iter().enumerate() {
            let owners: Vec<Object> = page.owners.iter().map(|owner| Object::Reference(ids[*owner])).collect();
            numbers.push(Object::Integer(number as i64));
            numbers.push(Object::Reference(file.add_object(owners)));
        }
        for (number, id) in pages.iter().enumerate() {
            let page = file.get_object_mut(*id).and_then(Object::as_dict_mut);
            let page = page.map_err(|e| ExportError::Write(e.to_string()))?;
            page.set("StructParents", number as i64);
            // Tab goes through the page in the order of the structure.
            page.set("Tabs", "S");
        }
        let parents = file.add_object(dictionary! { "Nums" => numbers });
        let entry = dictionary! {
            "Type" => "StructTreeRoot",
            "K" => Object::Reference(document),
            "ParentTree" => Object::Reference(parents),
            "ParentTreeNextKey" => pages.len() as i64,
        };
        file.objects.insert(root, Object::Dictionary(entry));
        let catalog = file.catalog_mut().map_err(|e| ExportError::Write(e.to_string()))?;
        catalog.set("StructTreeRoot", Object::Reference(root));
        catalog.set("MarkInfo", dictionary! { "Marked" => true });
        Ok(())
    }

    /// A heading of a row that has values speaks for that row, any other for its column.
    fn scope(&self, element: &Element) -> Dictionary {
        let row = element.parent.map(|parent| &self.elements[parent]);
        let has_values = row.is_some_and(|row| {
            row.kids.iter().any(|kid| matches!(kid, Kid::Element(e) if self.elements[*e].role == Role::TD))
        });
        dictionary! { "O" => "Table", "Scope" => if has_values { "Row" } else { "Column" } }
    }
}
