// Comments and the star come when their page is there.
import { type ComponentProps, lazy, Suspense } from "react";
import { Skeleton } from "../ui/states";
import type { CommentsPanel as Panel } from "./comments-panel";
import type { Star as Sign } from "./star";

const LazyPanel = lazy(() => import("./comments-panel").then((m) => ({ default: m.CommentsPanel })));
const LazyStar = lazy(() => import("./star").then((m) => ({ default: m.Star })));

export function CommentsPanel(props: ComponentProps<typeof Panel>) {
  return (
    <Suspense fallback={<Skeleton height={160} />}>
      <LazyPanel {...props} />
    </Suspense>
  );
}

export function Star(props: ComponentProps<typeof Sign>) {
  return (
    <Suspense fallback={<span className="star" />}>
      <LazyStar {...props} />
    </Suspense>
  );
}
