import { mount } from "svelte";
import App from "./App.svelte";
import SecondWindow from "./SecondWindow.svelte";
import "./theme/base.css";

mount(location.hash === "#second" ? SecondWindow : App, { target: document.getElementById("app")! });
