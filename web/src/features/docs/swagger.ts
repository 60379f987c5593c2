// Swagger UI as one lazy chunk with its styles. The package has no types.
import "swagger-ui-dist/swagger-ui.css";
import bundle from "swagger-ui-dist/swagger-ui-es-bundle.js";

type Request = { headers: Record<string, string> };
type Options = {
  url: string;
  domNode: HTMLElement;
  docExpansion: "none" | "list" | "full";
  filter: boolean;
  defaultModelsExpandDepth: number;
  deepLinking: boolean;
  validatorUrl: null;
  requestInterceptor: (request: Request) => Request;
};

export const SwaggerUI = bundle as (options: Options) => unknown;
