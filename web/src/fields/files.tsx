// What is to be seen of files comes when its page is there.
import { type ComponentProps, lazy, Suspense } from "react";
import { Skeleton } from "../ui/states";
import type { FileContent as Content } from "./file-content";
import type { FilesPanel as Panel } from "./files-panel";

const LazyPanel = lazy(() => import("./files-panel").then((m) => ({ default: m.FilesPanel })));
const LazyContent = lazy(() => import("./file-content").then((m) => ({ default: m.FileContent })));

export function FilesPanel(props: ComponentProps<typeof Panel>) {
  return (
    <Suspense fallback={<Skeleton height={120} />}>
      <LazyPanel {...props} />
    </Suspense>
  );
}

export function FileContent(props: ComponentProps<typeof Content>) {
  return (
    <Suspense fallback={<Skeleton height={80} />}>
      <LazyContent {...props} />
    </Suspense>
  );
}
