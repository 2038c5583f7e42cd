import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/components.css';
import { App } from './app.tsx';

render(<App />, document.getElementById('app')!);
