// Everything works without this. With it, errors are brought into view and sections unfold as they are chosen.
import { initAll } from "./govuk.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
