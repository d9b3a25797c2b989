import { mount } from "svelte";
import App from "./App.svelte";
import SecondWindow from "./SecondWindow.svelte";
import { kept } from "./state/kept";
import "./theme/base.css";

// As before the lock, with which the page before this one went; dark after a start.
document.documentElement.dataset.theme = kept<string>("theme") ?? document.documentElement.dataset.theme;
mount(location.hash === "#second" ? SecondWindow : App, { target: document.getElementById("app")! });
