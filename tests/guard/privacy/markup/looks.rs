//! A look at a screen: nothing ran, nothing was made that the page does not make itself, and what was to be seen.

use crate::browser::Window;
use crate::scene::pause;
use serde_json::json;
use std::collections::BTreeSet;

/// What was seen on all screens together.
#[derive(Default)]
pub struct Seen {
    /// Numbers of payloads.
    pub payloads: BTreeSet<usize>,
    pub screens: BTreeSet<String>,
    pub looks: usize,
}

impl Seen {
    /// Nothing ran on this screen, nothing was made that our page does not make; which payloads it shows.
    pub async fn look(&mut self, window: &Window, screen: &str) {
        let found = examined(window).await;
        assert_eq!(found["hits"], json!([]), "{screen}: something ran, or tried to");
        assert_eq!(found["made"], json!([]), "{screen}: text became elements");
        assert_eq!(found["styles"], json!(0), "{screen}: text became a style");
        let shown = found["shown"].as_array().expect("a list").iter();
        self.payloads.extend(shown.filter_map(|number| number.as_str()?.parse::<usize>().ok()));
        self.screens.insert(screen.to_owned());
        self.looks += 1;
    }

    /// All of these screens were looked at, and no others: a tab that is gone or a dialog that does not open is no look.
    pub fn were(&self, screens: &[&str]) {
        let due: BTreeSet<String> = screens.iter().map(|screen| (*screen).to_owned()).collect();
        assert_eq!(self.screens, due, "the screens that were looked at");
    }
}

/// Counts what runs in the page of this window, and what the page's policy kept from running.
pub async fn hook(window: &Window) {
    let script = "window.__hits = []; window.__x = (n) => window.__hits.push(n);
        window.alert = window.confirm = window.prompt = (m) => window.__hits.push(String(m));
        document.addEventListener('securitypolicyviolation', (e) => window.__hits.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));
        // The hooks work: a call and a violation are counted.
        window.__x('try');
        const s = document.createElement('script'); s.textContent = '1'; document.head.append(s); s.remove();
        // And so does the look: what a careless page would make of a payload is found.
        const d = document.createElement('div'); d.id = 'careless'; d.innerHTML = '<img src=x onerror=__x(0)>'; document.body.append(d);
        return true";
    window.client().execute(script, vec![]).await.expect("hooks");
    pause(300).await;
    let found = examined(window).await;
    let hits = found["hits"].as_array().expect("a list");
    let of_policy = hits.iter().filter(|h| h.as_str().is_some_and(|h| h.starts_with("policy: script-src"))).count();
    assert!(hits[0] == "try" && of_policy >= 2, "{hits:?}");
    assert_eq!(found["made"].as_array().map(Vec::len), Some(1), "{found}");
    let script = "document.getElementById('careless').remove(); window.__hits = []; return true";
    window.client().execute(script, vec![]).await.expect("hooks");
}

/// What ran so far, what stands in the page that is not the page's own, and which payloads it holds.
async fn examined(window: &Window) -> serde_json::Value {
    const MADE: &str = "script:not([src^='/assets']):not([src^='tauri:']):not([type='application/json']), iframe, object, embed, base, math, video, source, \
        marquee, form[action], meta[http-equiv='refresh'], link[href^='http:'], img[src*='127.0.0.1'], img[src='x'], a[href^='javascript'], a[href^='http'], \
        [onerror], [onload], [onfocus], [ontoggle], [onanimationstart], [style*='127.0.0.1'], svg script";
    // Words of a sentence may be marked one by one, so that it is read without the marks too. The slash of a file's name is
    // another one.
    let script = "const made = [...document.querySelectorAll(arguments[0])].map((e) => e.outerHTML.slice(0, 200));
        const styles = [...document.querySelectorAll('style')].filter((s) => s.textContent.includes('127.0.0.1')).length;
        const values = [...document.querySelectorAll('input, textarea')].map((e) => e.value).join(' ');
        const text = document.documentElement.outerHTML + ' ' + values + ' ' + document.body.textContent;
        const shown = [...text.matchAll(/__x\\((\\d+)\\)|127\\.0\\.0\\.1:\\d+[\\/\\u2044](\\d+)/g)].map((m) => m[1] ?? m[2]);
        return { hits: window.__hits, made, styles, shown: [...new Set(shown)] }";
    window.client().execute(script, vec![json!(MADE)]).await.expect("a look")
}
