// Tables that an example prints are scrolled where they are wider than the screen: with the keyboard too.
function reachable() {
  for (const output of document.querySelectorAll(".output_html")) {
    if (output.scrollWidth > output.clientWidth) {
      output.tabIndex = 0;
    } else {
      output.removeAttribute("tabindex");
    }
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);
