// After definitions changed: everything that was asked of them is asked again.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

export function useDesignChanged(): () => Promise<void> {
  const cache = useQueryClient();
  return useCallback(() => cache.invalidateQueries(), [cache]);
}
