import { createContext, useContext } from "react";
import type { Controller } from "./controller";

const Context = createContext<Controller | null>(null);
export const ControllerProvider = Context.Provider;

export function useController(): Controller {
  const controller = useContext(Context);
  if (!controller) throw new Error("outside of the canvas");
  return controller;
}
