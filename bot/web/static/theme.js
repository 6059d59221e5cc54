"use strict";
// Before anything is painted: the theme that this browser was told to use.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage, no choice: as the system has it.
}
