/** The recipes, by the data set that the model is made for. */
import type { BuiltIn } from '../../data/settings.ts';
import type { Recipe } from '../recipe.ts';
import { FIGURES } from './figures.ts';
import { LADDER } from './ladder.ts';

export const RECIPES: Readonly<Record<BuiltIn, Recipe>> = { figures: FIGURES, ladder: LADDER };
