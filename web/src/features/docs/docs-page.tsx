// The API to read and to try, for whoever is signed in. The tool is large and
// comes only here.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLang } from "../../i18n";
import { useMode } from "../../ui/mode";
import { LoadError, Skeleton } from "../../ui/states";

const URL = "/api/openapi.json";

export function DocsPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const place = useRef<HTMLDivElement>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ["swagger-ui"],
    queryFn: async () => (await import("./swagger")).SwaggerUI,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const mode = useMode();
  // By this class the tool knows the mode.
  useEffect(() => {
    const { classList } = document.documentElement;
    classList.toggle("dark-mode", mode === "dark");
    return () => classList.remove("dark-mode");
  }, [mode]);
  useEffect(() => {
    if (!data || !place.current) return;
    data({
      url: URL,
      domNode: place.current,
      docExpansion: "none",
      filter: true,
      defaultModelsExpandDepth: 0,
      // The examples of large bodies are made when they are looked at.
      deepLinking: false,
      validatorUrl: null,
      requestInterceptor: (request) => {
        request.headers["Accept-Language"] = lang;
        return request;
      },
    });
  }, [data, lang]);
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("docs.title")}</h1>
          <p className="note">{t("docs.note")}</p>
        </div>
        <div className="controls">
          <a href={URL}>{t("docs.raw")}</a>
        </div>
      </header>
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : (
        !data && (
          <>
            <p className="visually-hidden" role="status">
              {t("docs.opening")}
            </p>
            <Skeleton height={400} />
          </>
        )
      )}
      <section className="panel docs" aria-label={t("docs.title")} lang="en">
        <div ref={place} />
      </section>
    </main>
  );
}
