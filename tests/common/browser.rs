//! The real app under WebKitWebDriver, on a display of its own.

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What a window and its children print, below the folder that they write in.
const OUTPUT: &str = "output.log";

/// A display, a window on it, and a driver that holds the window's page. All of them end with this.
pub struct Window {
    /// Of the page's process that is there now: a session ends with its process.
    session: RwLock<Client>,
    /// Where the driver listens.
    driver: String,
    pub display: String,
    children: Children,
    /// What the window and its children print.
    printed: PathBuf,
}

/// Why there is no window to test: a missing program. `./dev test` installs them.
pub fn missing_programs() -> Vec<&'static str> {
    ["Xvfb", "WebKitWebDriver", "xdotool"]
        .into_iter()
        .filter(|program| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            !std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        })
        .collect()
}

impl Window {
    /// Opens `hilum` with these arguments on a new display of this size. Whatever the window
    /// itself writes goes below `home`.
    pub async fn open(arguments: &[String], size: (u32, u32), home: &Path) -> Window {
        let (display, server) = start_display(size);
        let mut children = Children(vec![server]);
        // The driver does not start the window, which would end with the first page's process then.
        let [asked, driver] = free_addresses();
        let mut app = of_its_own(env!("CARGO_BIN_EXE_hilum"), &display, home);
        app.args(arguments).env("WEBKIT_INSPECTOR_SERVER", &asked);
        app.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        children.0.push(app.spawn().expect("hilum starts"));
        let port = driver.rsplit(':').next().expect("a port");
        let mut program = of_its_own("WebKitWebDriver", &display, home);
        program.args([format!("--port={port}"), format!("--target={asked}")]);
        children.0.push(program.spawn().expect("WebKitWebDriver starts"));
        let session = RwLock::new(connected(&driver).await);
        let window = Window { session, driver, display, children, printed: home.join(OUTPUT) };
        window.until("the first screen", 60, "return document.body && document.body.dataset.ready === 'true'").await;
        window
    }

    /// The session of the page that is there.
    pub fn client(&self) -> Client {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes hold of the page again where its process was another one before.
    pub async fn attach(&self) {
        let ended = |e: &CmdError| matches!(e, CmdError::Standard(e) if e.error == ErrorStatus::InvalidSessionId);
        if self.client().execute("return 0", vec![]).await.is_err_and(|e| ended(&e)) {
            let session = connected(&self.driver).await;
            *self.session.write().unwrap_or_else(PoisonError::into_inner) = session;
        }
    }

    /// Waits until a script returns true.
    pub async fn until(&self, what: &str, seconds: u64, script: &str) {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Ok(value) = self.client().execute(script, vec![]).await
                && value == json!(true)
            {
                return;
            }
            if Instant::now() >= until {
                self.picture_of_failure();
                let text = self.client().execute("return document.body.innerText", vec![]).await;
                panic!("no {what} within {seconds} s; the window says: {text:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the element of this test id is there.
    pub async fn see(&self, id: &str, seconds: u64) {
        let script = format!("return !!document.querySelector('[data-testid=\"{id}\"]')");
        self.until(id, seconds, &script).await;
    }

    pub async fn click(&self, id: &str) {
        self.see(id, 20).await;
        let script = format!("return !document.querySelector('[data-testid=\"{id}\"]').disabled");
        self.until(&format!("{id} to be enabled"), 20, &script).await;
        let patience = Instant::now();
        // The driver leaves an element where it is that lies partly in sight, and then finds nothing at its middle where
        // the edge goes through that. A person turns the wheel.
        let in_sight = format!("document.querySelector('[data-testid=\"{id}\"]')?.scrollIntoView({{ block: 'nearest' }})");
        loop {
            let found = self.client().find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await;
            match async { found?.click().await }.await {
                Ok(()) => return,
                // The page goes on while the driver brings the element into sight and looks for its middle. Nothing was
                // clicked then, and whoever finds that it moved away under the pointer clicks once more.
                Err(CmdError::Standard(e))
                    if patience.elapsed().as_secs() < 5
                        && matches!(
                            e.error,
                            ErrorStatus::ElementNotInteractable
                                | ErrorStatus::ElementClickIntercepted
                                | ErrorStatus::StaleElementReference
                        ) =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    self.text(&in_sight).await;
                }
                Err(e) => {
                    let picture = self.picture_of_failure();
                    panic!("{id} takes no click: {e:?}; {}", picture.display());
                }
            }
        }
    }

    /// A picture of the display as it is when something failed.
    fn picture_of_failure(&self) -> PathBuf {
        let file = std::env::temp_dir().join(format!("hilum-window-failed{}.png", self.display.replace(':', "-")));
        self.picture(&file);
        file
    }

    /// Adds a sentence to a section and waits until what is typed goes there. What was just read
    /// of the study may move the button under the pointer, so a click that hit nothing is repeated.
    pub async fn begin_sentence(&self, section: &str) {
        let there = format!(
            "const s = document.querySelector('[data-testid=\"section-{section}\"]');
            return !!s && s.contains(document.activeElement) && document.activeElement.isContentEditable"
        );
        for _ in 0..3 {
            self.click(&format!("add-sentence-{section}")).await;
            let until = Instant::now() + Duration::from_secs(2);
            while Instant::now() < until {
                if self.client().execute(&there, vec![]).await.is_ok_and(|value| value == json!(true)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        panic!("the {section} section never took the focus");
    }

    pub async fn fill(&self, id: &str, text: &str) {
        self.see(id, 20).await;
        let element = self.client().find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await.expect(id);
        element.send_keys(text).await.unwrap_or_else(|e| panic!("{id}: {e}"));
    }

    /// Presses one key, by its WebDriver value, on whatever has the focus.
    pub async fn press(&self, key: char) {
        let keys =
            KeyActions::new("keyboard".into()).then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client().perform_actions(keys).await.expect("a key");
    }

    /// Types text on whatever has the focus, in one request.
    pub async fn keys(&self, text: &str) {
        let keys = text.chars().fold(KeyActions::new("keyboard".into()), |keys, value| {
            keys.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.client().perform_actions(keys).await.expect("keys");
    }

    /// Types a text into the empty field of this test id, which has the focus, and waits until the field holds all of it, so
    /// that keys which went elsewhere are told from a text that was refused.
    pub async fn keys_into(&self, id: &str, text: &str) {
        self.keys(text).await;
        let value = format!("return document.querySelector('[data-testid=\"{id}\"]').value");
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let held = self.text(&value).await;
            if held == text {
                return;
            }
            if Instant::now() >= until {
                let focus = self.text("return document.activeElement?.outerHTML.slice(0, 200) ?? ''").await;
                let picture = self.picture_of_failure();
                panic!("{id} holds {held:?} after {text:?} was typed, {focus} has the focus; {}", picture.display());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses a key while another is held.
    pub async fn chord(&self, held: char, key: char) {
        self.chord_of(&[held], key).await;
    }

    /// Presses a key while several others are held.
    pub async fn chord_of(&self, held: &[char], key: char) {
        self.client().perform_actions(pressed(held, key)).await.expect("a chord");
    }

    /// Moves the pointer to a place of the page with no button pressed, in CSS pixels.
    pub async fn point(&self, (x, y): (f64, f64)) {
        use fantoccini::actions::{MouseActions, PointerAction};
        let to = PointerAction::MoveTo { duration: Some(Duration::from_millis(40)), x, y };
        self.client().perform_actions(MouseActions::new("mouse".into()).then(to)).await.expect("a move");
    }

    /// Presses the pointer at one place of the page, moves it over the others and lets go, in CSS pixels.
    pub async fn drag(&self, places: &[(f64, f64)]) {
        use fantoccini::actions::{InputSource, MouseActions, PointerAction};
        let to = |&(x, y): &(f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(40)), x, y };
        let mut actions =
            MouseActions::new("mouse".into()).then(to(&places[0])).then(PointerAction::Down { button: 0 });
        for place in &places[1..] {
            actions = actions.then(to(place));
        }
        self.client().perform_actions(actions.then(PointerAction::Up { button: 0 })).await.expect("a drag");
    }

    /// Chooses an option of a list by its value, as a person's choice would. A list that is being made anew may lack it for a
    /// moment.
    pub async fn choose(&self, id: &str, value: &str) {
        let script = format!(
            "const s = document.querySelector('[data-testid=\"{id}\"]');
            if (!s || s.options && ![...s.options].some((o) => o.value === {value:?})) return false;
            s.value = {value:?};
            if (s.value !== {value:?}) return false;
            s.dispatchEvent(new Event('input', {{ bubbles: true }})); s.dispatchEvent(new Event('change', {{ bubbles: true }}));
            return true"
        );
        self.until(&format!("{value} in {id}"), 20, &script).await;
    }

    /// The words that the element of this test id shows.
    pub async fn words(&self, id: &str) -> String {
        self.text(&format!("return document.querySelector('[data-testid=\"{id}\"]')?.innerText ?? ''")).await
    }

    /// Waits until the element of this test id shows these words.
    pub async fn says(&self, id: &str, words: &str, seconds: u64) {
        let script =
            format!("return (document.querySelector('[data-testid=\"{id}\"]')?.innerText ?? '').includes({words:?})");
        self.until(&format!("{words:?} in {id}"), seconds, &script).await;
    }

    /// The number that a script returns.
    pub async fn number(&self, script: &str) -> f64 {
        self.client().execute(script, vec![]).await.expect("a script").as_f64().unwrap_or(f64::NAN)
    }

    /// The text that a script returns.
    pub async fn text(&self, script: &str) -> String {
        self.client().execute(script, vec![]).await.expect("a script").as_str().unwrap_or_default().to_owned()
    }

    /// A picture of the whole display, where ImageMagick is there to take it.
    pub fn picture(&self, to: &Path) {
        let _ = Command::new("import").args(["-display", &self.display, "-window", "root"]).arg(to).status();
    }

    /// Types into the native dialog that is open, as a person at the keyboard.
    pub fn type_into_dialog(&self, title: &str, text: &str) {
        self.turn_to_dialog(title);
        self.xdotool(&["key", "--clearmodifiers", "ctrl+a"]);
        // The first character may open a field to type in, and what follows at once is lost.
        let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
        self.xdotool(&["type", "--clearmodifiers", first]);
        std::thread::sleep(Duration::from_millis(1000));
        self.xdotool(&["type", "--clearmodifiers", "--delay", "25", rest]);
        std::thread::sleep(Duration::from_millis(500));
        self.xdotool(&["key", "--clearmodifiers", "Return"]);
    }

    /// Presses keys in the native dialog that asks something, by their names for the display, until it is gone.
    pub fn answer_dialog(&self, title: &str, keys: &[&str]) {
        let dialog = self.turn_to_dialog(title);
        self.xdotool(&[&["key", "--clearmodifiers"][..], keys].concat());
        let until = Instant::now() + Duration::from_secs(20);
        while self.xdotool(&["search", "--onlyvisible", "--name", title]).1.lines().any(|id| id == dialog) {
            assert!(Instant::now() < until, "{keys:?} leave the dialog \"{title}\" open");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits for a native dialog, and gives it the keyboard; its number on the display.
    fn turn_to_dialog(&self, title: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        let dialog = loop {
            let (found, ids) = self.xdotool(&["search", "--onlyvisible", "--name", title]);
            if let (true, Some(id)) = (found, ids.lines().last().filter(|l| !l.is_empty())) {
                break id.to_owned();
            }
            assert!(Instant::now() < until, "no dialog \"{title}\"");
            std::thread::sleep(Duration::from_millis(200));
        };
        std::thread::sleep(Duration::from_millis(500));
        self.xdotool(&["windowfocus", "--sync", &dialog]);
        dialog
    }

    /// Whether `xdotool` went well, and what it printed.
    fn xdotool(&self, arguments: &[&str]) -> (bool, String) {
        let done = Command::new("xdotool").args(arguments).env("DISPLAY", &self.display).output();
        done.map(|o| (o.status.success(), String::from_utf8_lossy(&o.stdout).trim().to_owned())).unwrap_or_default()
    }

    /// The window that is not this one, as soon as it is there.
    pub async fn other(&self, first: &WindowHandle) -> WindowHandle {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let all = self.client().windows().await.expect("the windows");
            if let Some(second) = all.into_iter().find(|one| one != first) {
                return second;
            }
            assert!(Instant::now() < until, "no second window");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Cancels the desktop's dialog for saving a file; false where none is open.
    pub fn cancel_dialog(&self) -> bool {
        let (_, found) = self.xdotool(&["search", "--onlyvisible", "--name", "^Save as$"]);
        let Some(dialog) = found.lines().last().filter(|line| !line.is_empty()) else { return false };
        self.xdotool(&["windowfocus", "--sync", dialog, "key", "--clearmodifiers", "Escape"]);
        true
    }

    /// The process id of the window's own process, by the name of its executable.
    pub fn process_of(&self, executable: &str) -> i32 {
        self.find_process(executable, "").unwrap_or_else(|| panic!("no process of {executable}"))
    }

    /// A process of this executable that belongs to this display, or was started by one that does,
    /// and whose command line holds these words.
    pub fn find_process(&self, executable: &str, words: &str) -> Option<i32> {
        let display = format!("DISPLAY={}", self.display);
        let ours = |path: &Path| {
            std::fs::read(path.join("environ")).is_ok_and(|e| e.split(|b| *b == 0).any(|v| v == display.as_bytes()))
        };
        let wanted = |path: &Path| {
            let name = std::fs::read_link(path.join("exe")).ok();
            let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            // Workers are given an environment of their own, without the display.
            name.is_some_and(|n| n.file_name().is_some_and(|n| n == executable))
                && command.contains(words)
                && (ours(path) || parent(path).is_some_and(|of| ours(&of)))
        };
        let processes = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
        processes.filter(|path| wanted(path)).find_map(|path| path.file_name()?.to_str()?.parse().ok())
    }

    /// Closes the window and waits for its end.
    pub async fn close(mut self) {
        let _ = self.client().close().await;
        self.end();
    }

    fn end(&mut self) {
        if self.children.0.is_empty() {
            return;
        }
        self.children.end();
        crate::common::kept::keep("window", &std::fs::read(&self.printed).unwrap_or_default());
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.end();
    }
}

/// A key, pressed while others are held.
pub fn pressed(held: &[char], key: char) -> KeyActions {
    let mut keys = KeyActions::new("keyboard".into());
    for value in held.iter().copied() {
        keys = keys.then(KeyAction::Down { value });
    }
    keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
    for value in held.iter().rev().copied() {
        keys = keys.then(KeyAction::Up { value });
    }
    keys
}

/// The folder in /proc of a process's parent.
fn parent(process: &Path) -> Option<PathBuf> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let id = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned();
    Some(Path::new("/proc").join(id))
}

/// A session of the driver at this address, as soon as it and the window are there.
async fn connected(driver: &str) -> Client {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match ClientBuilder::new(hyper_connector()).connect(&format!("http://{driver}")).await {
            Ok(client) => return client,
            Err(_) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(250)).await,
            Err(e) => panic!("no window within 60 s: {e}"),
        }
    }
}

fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// A program on this display that writes below `home`. What it and its children print is kept there, and looked through like
/// all that they write; it leads a group of its own, so that they end with it.
fn of_its_own(program: &str, display: &str, home: &Path) -> Command {
    let output = std::fs::File::options().create(true).append(true).open(home.join(OUTPUT)).expect("a file");
    let mut command = Command::new(program);
    command
        .env("DISPLAY", display)
        .env("GTK_USE_PORTAL", "0")
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("TMPDIR", home)
        // The demo packs of this checkout, which cargo's target folder may not be inside of.
        .env("HILUM_MODELS", concat!(env!("CARGO_MANIFEST_DIR"), "/models/demo"))
        .env_remove("WAYLAND_DISPLAY")
        .stdout(output.try_clone().expect("a file"))
        .stderr(output)
        .process_group(0);
    command
}

/// Programs that lead a group of their own each, and end with this, the last one first.
struct Children(Vec<Child>);

impl Children {
    fn end(&mut self) {
        for mut child in self.0.drain(..).rev() {
            // SAFETY: kill has no memory effects; the group is the child's own.
            unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.end();
    }
}

/// Two addresses at which nobody listens.
fn free_addresses() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").to_string())
}

/// Xvfb picks a free display number and writes it to a pipe.
fn start_display((width, height): (u32, u32)) -> (String, Child) {
    use std::io::{BufRead, BufReader};
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &format!("{width}x{height}x24"),
            "+extension",
            "GLX",
            "-nolisten",
            "tcp",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("Xvfb starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("a display number");
    (format!(":{}", line.trim()), server)
}
