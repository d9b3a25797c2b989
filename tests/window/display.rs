//! The display that a scene's window is opened on, as the X server has it: what a person sees, whatever drew it.

use crate::browser::Window;
use crate::scene;
use std::process::Command;
use std::time::{Duration, Instant};

/// Of the display that a scene's window is opened on.
pub const SIZE: (usize, usize) = (1600, 1000);
/// How long the screen may take to show what the viewer has drawn, seconds.
pub const DRAWN: u64 = 20;
/// A square that no image has, at the page's top left.
const MARK: &str = "const d = document.createElement('div'); d.id = 'corner-of-the-page';
    Object.assign(d.style, { position: 'fixed', left: '0', top: '0', width: '6px', height: '6px', background: 'rgb(255, 0, 255)', zIndex: '99999' });
    document.body.append(d); return true";
const UNMARK: &str = "document.getElementById('corner-of-the-page').remove(); return true";

/// Its pixels, row by row.
pub struct Display(Vec<[u8; 3]>);

impl Display {
    pub fn of(window: &Window) -> Display {
        let arguments = ["-display", &window.display, "-window", "root", "-depth", "8", "rgb:-"];
        let output = Command::new("import").args(arguments).output().expect("import");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.len(), 3 * SIZE.0 * SIZE.1, "the display is of another size");
        Display(output.stdout.as_chunks::<3>().0.to_vec())
    }

    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        assert!(x < SIZE.0 && y < SIZE.1, "{x}, {y} is not on the display");
        self.0[y * SIZE.0 + x]
    }
}

/// False, with what is left out printed, where no picture of a display can be taken.
pub fn seen(what: &str) -> bool {
    let installed = Command::new("import").arg("-version").output().is_ok();
    if !installed {
        hilum_testkit::skipped(format_args!("{what} (ImageMagick's import is not installed)"));
    }
    installed
}

/// Where the page's top left lies on the display, in device pixels.
pub async fn corner(window: &Window) -> (f64, f64) {
    window.client().execute(MARK, vec![]).await.expect("a mark");
    let until = Instant::now() + Duration::from_secs(DRAWN);
    let at = loop {
        let picture = Display::of(window);
        if let Some(at) = picture.0.iter().position(|pixel| *pixel == [255, 0, 255]) {
            break ((at % SIZE.0) as f64, (at / SIZE.0) as f64);
        }
        assert!(Instant::now() < until, "the page is not on the display");
        scene::pause(100).await;
    };
    window.client().execute(UNMARK, vec![]).await.expect("no mark");
    at
}
