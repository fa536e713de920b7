"""How the page of a pack looks: on a wide and a narrow screen, by day and by night, and on paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--soft:#5b6675;--line:#cfd5de;--head:#eef1f6;
--mark:#345;--note:#f3f6fb;--open:#fff8e6;--edge:#c98a00;--link:#0b57b0}
@media (prefers-color-scheme:dark){:root{--paper:#14181f;--ink:#e4e8ee;--soft:#9aa6b5;--line:#39424f;
--head:#1f2630;--mark:#8aa4c4;--note:#1a2029;--open:#241f12;--edge:#d9a22b;--link:#86b7ff}}*{
box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:72em;margin:2em auto;padding:0 1em}h1{font-size:1.6em;line-height:1.25;overflow-wrap:anywhere}
h2{margin-top:2.4em;padding-bottom:.15em;border-bottom:2px solid var(--mark);overflow-wrap:anywhere}h3{
margin:1.8em 0 .4em}h4{margin:1.2em 0 .2em}a{color:var(--link);overflow-wrap:anywhere}code{font-size:.92em;
overflow-wrap:anywhere}.wide{overflow-x:auto;margin:.6em 0}table{border-collapse:collapse}th,td{
border:1px solid var(--line);padding:.3em .6em;text-align:left;vertical-align:top}td{
overflow-wrap:break-word;max-width:40em}td ul{margin:0;padding-left:1.2em}td.h,.pairs td{
overflow-wrap:anywhere}td.h{min-width:17em}thead th{background:var(--head)}.pairs{width:100%}.pairs th{
width:13em;overflow-wrap:anywhere;background:var(--head);font-weight:600}.note{background:var(--note);
padding:.4em 1em;border-left:4px solid var(--mark)}.unsigned{background:var(--open);
border-left:4px solid var(--edge);padding:.4em 1em}.soft{color:var(--soft)}td.n{text-align:right;
white-space:nowrap}td.t{white-space:nowrap}@media (max-width:640px){body{font-size:14px;margin:1em auto}
h1{font-size:1.3em}.pairs,.pairs tbody,.pairs tr,.pairs th,.pairs td{display:block;width:auto}.pairs td{
border-top:0}.pairs tr{margin-bottom:.4em}}@media print{body{max-width:none;margin:0}.wide{
overflow:visible}h2,h3{break-after:avoid}}
""".replace("\n", "")
