import { mount } from 'svelte';
import App from './App.svelte';
import { startLanguage } from '$lib/i18n.svelte';
import { theme } from '$lib/theme.svelte';
import './style.css';

theme.start();
await startLanguage();
mount(App, { target: document.body });
