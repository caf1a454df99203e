// The exam's bar on the hub's own pages, which have no documents to save.
import { watchExam } from "./watch.js";

void watchExam({ hubUrl: new URL("../..", import.meta.url).pathname });
