// The page of a public form: an entry of its own, small, without the frame,
// the components and the texts of the page behind the sign-in.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../../app/theme.css";
import "./form.css";
import { PublicForm } from "./public-form";

const root = document.getElementById("root");
const token = /^\/f\/([^/]*)\/?$/.exec(location.pathname)?.[1] ?? "";
if (root) {
  createRoot(root).render(
    <StrictMode>
      <PublicForm token={token} />
    </StrictMode>,
  );
}
