// Everything works without this. With it, errors are brought into view and a button pressed twice sends once.
import { Button, CharacterCount, ErrorSummary, FileUpload, ServiceNavigation, SkipLink, createAll } from "./govuk.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
for (const component of [Button, CharacterCount, ErrorSummary, FileUpload, ServiceNavigation, SkipLink]) createAll(component);
